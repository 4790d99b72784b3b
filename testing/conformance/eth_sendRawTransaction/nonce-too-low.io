// a nonce that was used
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["{raw:0:0}"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"nonce too low: next nonce 3, tx nonce 0"}}
