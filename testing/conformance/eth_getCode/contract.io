// code of a contract
>> {"jsonrpc":"2.0","id":1,"method":"eth_getCode","params":["0x5fbdb2315678afecb367f032d93f642f64180aa3","latest"]}
<< {"jsonrpc":"2.0","id":1,"result":"0x5f54600101805f555f527f111111111111111111111111111111111111111111111111111111111111111160205fa160205ff3"}
