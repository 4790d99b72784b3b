// a block of three
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBlockTransactionCountByHash","params":["{hash:3}"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x3"}
