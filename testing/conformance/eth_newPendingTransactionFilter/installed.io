// a filter has a random id
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"eth_newPendingTransactionFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x787855e994751a27b9276473b9e2e575"}
