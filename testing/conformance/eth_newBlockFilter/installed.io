// a filter has a random id
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x8b8f82b54d547842439cce06ba08d22c"}
