// more gas than the block has
>> {"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{"blockStateCalls":[{"blockOverrides":{"gasLimit":"0x5208"},"calls":[{"from":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","to":"0x3c44cdddb6a900fa2b585dd299e03d12fa4293bc","gas":"0x5209"}]}]},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-38015,"message":"block gas limit reached: 0 + 21001 >= 21000"}}
