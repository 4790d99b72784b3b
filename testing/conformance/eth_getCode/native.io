// a native contract: one byte that never runs
>> {"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0xca11bde05977b3631167028862be2a173976ca11","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xfe"}
