// a newest block that does not exist yet
>> {"jsonrpc":"2.0","id":1,"method":"eth_feeHistory","params":["0x1","0x9",[]]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"request beyond head block: requested 9, head 4"}}
