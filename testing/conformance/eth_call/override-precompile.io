// code at the address of a precompile runs instead of it
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0x0000000000000000000000000000000000000004","input":"0x01"},"latest",{"0x0000000000000000000000000000000000000004":{"code":"0x602a5f5260205ff3"}}]}
<< {"jsonrpc":"2.0","id":1,"result":"0x000000000000000000000000000000000000000000000000000000000000002a"}
