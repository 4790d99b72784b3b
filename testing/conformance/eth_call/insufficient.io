// a sender who cannot pay the value
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"from":"0x4242424242424242424242424242424242424242","to":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","value":"0x1","gas":"0x5208"},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"err: insufficient funds for gas * price + value: address 0x4242424242424242424242424242424242424242 have 0 want 1 (supplied gas 21000)"}}
