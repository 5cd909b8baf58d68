#!/bin/sh
# A client of kv.py that speaks Partita's protocol (docs/protocol.md), with curl.
sessions=$(mktemp -d) && trap 'rm -rf "$sessions"' EXIT

# The value of a field whose value is a word or a number: field NAME LINE
field() { printf %s "$2" | sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

# Each call runs beside the others, so that a slow node holds up its own calls alone.
call() {
  id=$(field id "$1") limit=$(($(field deadline_ms "$1") / 1000 + 1))
  url="http://$(cat "$sessions/$(field session "$1")")/kv/$(field key "$1")"
  case $(field f "$1") in
    read) answer=$(curl -s -m "$limit" -w ' %{http_code}' "$url") ;;
    write) answer=$(curl -s -m "$limit" -w ' %{http_code}' -X PUT -d "$(field value "$1")" "$url") ;;
    *) echo "{\"id\":$id,\"fail\":\"no such operation\"}"; return ;;
  esac
  failure=$?
  case "$failure $answer" in
    "0 {"*" 200") echo "{\"id\":$id,\"ok\":${answer% 200}}" ;;
    "7 "*) echo "{\"id\":$id,\"fail\":\"no connection\"}" ;;
    *) echo "{\"id\":$id,\"info\":\"curl ended with $failure\"}" ;;
  esac
}

while read -r line; do
  id=$(field id "$line")
  case $(field do "$line") in
    hello) echo "{\"id\":$id,\"ok\":{\"partita\":1}}" ;;
    open) field address "$line" > "$sessions/$(field session "$line")"; echo "{\"id\":$id,\"ok\":{}}" ;;
    call) call "$line" & ;;
    *) echo "{\"id\":$id,\"ok\":{}}" ;;
  esac
done
