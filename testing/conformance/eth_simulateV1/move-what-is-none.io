// what is no precompile cannot move
>> {"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{"blockStateCalls":[{"stateOverrides":{"0x5fbdb2315678afecb367f032d93f642f64180aa3":{"movePrecompileToAddress":"0x4242424242424242424242424242424242424242"}}}]},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"account 0x5FbDB2315678afecb367f032d93F642f64180aa3 is not a precompile"}}
