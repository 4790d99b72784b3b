// a transaction enters once
>> {"jsonrpc":"2.0","id":1,"method":"eth_sendRawTransaction","params":["{raw:6:0}"]}
<< {"jsonrpc":"2.0","id":1,"result":"0xed9fc116c387ed31aa0686e0e208ff29cd0caa0a740bc3c33dc63cd6d8345ce2"}
>> {"jsonrpc":"2.0","id":2,"method":"eth_sendRawTransaction","params":["{raw:6:0}"]}
<< {"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"already known"}}
>> {"jsonrpc":"2.0","id":3,"method":"eth_getTransactionCount","params":["0x976ea74026e726554db657fa54763abd0c3a0aa9","pending"]}
<< {"jsonrpc":"2.0","id":3,"result":"0x1"}
