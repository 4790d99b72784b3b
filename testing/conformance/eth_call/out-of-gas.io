// an endless loop
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0x4242424242424242424242424242424242424242","gas":"0x186a0"},"latest",{"0x4242424242424242424242424242424242424242":{"code":"0x5b5f56"}}]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"out of gas"}}
