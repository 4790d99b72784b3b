// a filter has a random id
// shape: result
>> {"jsonrpc":"2.0","id":1,"method":"eth_newBlockFilter","params":[]}
<< {"jsonrpc":"2.0","id":1,"result":"0x8b761d1aa181edefbad69993bc4f5951"}
