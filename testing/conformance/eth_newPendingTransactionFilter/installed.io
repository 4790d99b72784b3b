// a filter has a random id
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"eth_newPendingTransactionFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0xbe64e49254564926bd0e48f87bc972c1"}
