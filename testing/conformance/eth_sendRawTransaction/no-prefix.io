// bytes without prefix
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["02c0"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32602,"message":"invalid argument 0 (transaction): want a hex string with 0x prefix"}}
