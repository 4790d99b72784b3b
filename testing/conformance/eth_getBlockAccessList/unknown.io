// a block that does not exist
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBlockAccessList","params":["0x99"]}
<< {"jsonrpc":"2.0","id":1,"result":null}
