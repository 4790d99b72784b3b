// a nonce with a gap
>> {"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{"blockStateCalls":[{"calls":[{"from":"0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266","to":"0x70997970c51812dc3a010c7d01b50e0d17dc79c8","nonce":"0x63","maxFeePerGas":"0x174876e800"}]}],"validation":true},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-38011,"message":"err: nonce too high: address 0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266, tx: 99 state: 3 (supplied gas 16777216)"}}
