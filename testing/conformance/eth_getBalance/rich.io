// an account that only received
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc","0x2"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x21e19e0c9bab2400007"}
