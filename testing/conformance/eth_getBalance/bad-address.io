// an address that is too short
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x1234","latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 0 (address): invalid string length"}}
