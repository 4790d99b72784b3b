// less gas than any transaction costs
>> {"jsonrpc":"2.0","id":1,"method":"eth_call","params":[{"to":"0x5fbdb2315678afecb367f032d93f642f64180aa3","gas":"0x1"},"latest"]}
<< {"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"err: intrinsic gas too low: have 1, want 21000 (supplied gas 1)"}}
