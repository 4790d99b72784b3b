// at a block named by hash
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0xa0ee7a142d267c1f36714e4a8f75612f20a79720",{"blockHash":"{hash:2}"}]}
<< {"jsonrpc":"2.0","id":1,"result":"0x21e19e0c9bab2400000"}
