// an account that does not exist
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x4242424242424242424242424242424242424242","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x0"}
