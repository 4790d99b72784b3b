// an account without a key here
>> {"jsonrpc":"2.0","id":1,"method":"eth_sign","params":["0x4242424242424242424242424242424242424242","0x"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"unknown account 0x4242424242424242424242424242424242424242: this node holds no key for it; sign in a wallet and use eth_sendRawTransaction"}}
