// a poor sender with a balance
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"from":"0x4242424242424242424242424242424242424242","to":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","value":"0x1"},"latest",{"0x4242424242424242424242424242424242424242":{"balance":"0x1"}}]}
<< {"jsonrpc":"2.0","id":1,"result":"0x"}
