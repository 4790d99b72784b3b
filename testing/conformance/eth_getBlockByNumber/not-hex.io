// a number without prefix
>> {"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["3",false]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 0 (block): hex string without 0x prefix"}}
