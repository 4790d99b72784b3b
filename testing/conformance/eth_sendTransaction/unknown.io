// an account without a key here
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendTransaction","params":[{"from":"0x4242424242424242424242424242424242424242","to":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8"}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"unknown account 0x4242424242424242424242424242424242424242: this node holds no key for it; sign in a wallet and use eth_sendRawTransaction"}}
