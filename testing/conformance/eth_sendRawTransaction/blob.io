// blobs are not taken
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["0x03c0"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"transaction type not supported: type 3 (blob) transactions are not accepted by this chain; use calldata"}}
