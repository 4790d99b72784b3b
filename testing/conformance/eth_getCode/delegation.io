// an account that delegates (EIP-7702)
>> {"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0x15d34aaf54267db7d7c367839aaf71a00a2c6a65","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xef01005fbdb2315678afecb367f032d93f642f64180aa3"}
