// A client of kv.py that speaks Partita's protocol (docs/protocol.md) on standard input and output.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

type object = map[string]any

var out, says = json.NewEncoder(os.Stdout), sync.Mutex{}

// Go sends a request again where a kept connection turns out to be closed: no connection is kept.
var transport = &http.Transport{DisableKeepAlives: true}

func say(id any, kind string, what any) {
	says.Lock() // calls of several sessions run side by side: a line at a time
	defer says.Unlock()
	out.Encode(object{"id": id, kind: what})
}

func call(id any, address string, op object, limit time.Duration) {
	method, value := map[any]string{"read": "GET", "write": "PUT", "cas": "POST"}[op["f"]], op["value"]
	if pair, isPair := value.([]any); op["f"] == "cas" && isPair {
		value = object{"from": pair[0], "to": pair[1]}
	}
	body, _ := json.Marshal(value)
	request, err := http.NewRequest(method, "http://"+address+"/kv/"+op["key"].(string), bytes.NewReader(body))
	if err != nil || method == "" {
		say(id, "fail", "no such operation")
		return
	}
	client := http.Client{Transport: transport, Timeout: limit}
	response, err := client.Do(request)
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		say(id, "fail", err.Error()) // there was no connection: nothing was sent
		return
	}
	if err != nil {
		say(id, "info", err.Error()) // it may have happened
		return
	}
	defer response.Body.Close()
	answer := object{}
	switch err := json.NewDecoder(response.Body).Decode(&answer); {
	case response.StatusCode == 409:
		say(id, "fail", "another value")
	case err != nil || response.StatusCode != 200:
		say(id, "info", response.Status)
	default:
		say(id, "ok", answer)
	}
}

func main() {
	addresses := map[any]string{}
	for in := json.NewDecoder(os.Stdin); ; {
		asked := object{}
		if in.Decode(&asked) != nil {
			return
		}
		switch session := asked["session"]; asked["do"] {
		case "call":
			limit := time.Duration(asked["deadline_ms"].(float64)) * time.Millisecond
			go call(asked["id"], addresses[session], asked["op"].(object), limit)
			continue
		case "hello":
			say(asked["id"], "ok", object{"partita": 1})
			continue
		case "open":
			addresses[session] = asked["address"].(string)
		case "close":
			delete(addresses, session)
		}
		say(asked["id"], "ok", object{})
	}
}
