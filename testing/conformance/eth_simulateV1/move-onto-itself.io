// a precompile that moves onto itself
>> {"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{"blockStateCalls":[{"stateOverrides":{"0x0000000000000000000000000000000000000004":{"movePrecompileToAddress":"0x0000000000000000000000000000000000000004"}}}]},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-38022,"message":"MovePrecompileToAddress referenced itself in replacement: 0x0000000000000000000000000000000000000004"}}
