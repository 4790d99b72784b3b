// there are no uncles
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleCountByBlockHash","params":["{hash:3}"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0"}
