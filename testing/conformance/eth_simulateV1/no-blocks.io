// no blocks at all
>> {"jsonrpc":"2.0","id":1,"method":"eth_simulateV1","params":[{},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"empty input"}}
