// a filter of logs tells what comes
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"eth_newFilter","params":[{"address":"0x5fbdb2315678afecb367f032d93f642f64180aa3"}]}
<< {"jsonrpc":"2.0","id":1,"result":"0xb48d996621075361d3f524a4c8d975d7"}
