// there are no uncles
>> {"jsonrpc":"2.0","id":1,"method":"eth_getUncleCountByBlockNumber","params":["0x3"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0"}
