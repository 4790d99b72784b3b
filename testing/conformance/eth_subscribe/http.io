// subscriptions need a WebSocket
>> {"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32004,"message":"notifications not supported: subscribe over a WebSocket, or install a filter (eth_newFilter) and poll it"}}
