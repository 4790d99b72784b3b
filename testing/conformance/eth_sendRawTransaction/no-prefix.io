// bytes without prefix
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["02c0"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"invalid transaction encoding: input too short"}}
