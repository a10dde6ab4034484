-- wrk's requests: chats of 64 conversations in turn, made before the clock runs. Tells the result as one line of JSON.
-- BENCH_HEADERS holds one header a line, `name: value`.

local requests, turn = {}, 0

function init()
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    for name, value in string.gmatch(os.getenv("BENCH_HEADERS") or "", "([^:\n]+): ([^\n]+)") do
        wrk.headers[name] = value
    end
    for number = 1, 64 do
        requests[number] = wrk.format(nil, nil, nil, '{"model":"gpt-4o-mini","messages":['
            .. '{"role":"system","content":"You are the assistant of an online shop. Answer in the language of the '
            .. 'customer, in no more than three sentences, and never promise a date of delivery that the order does not state."},'
            .. '{"role":"user","content":"Hello, this is customer ' .. number .. '. I ordered a pair of shoes last week, '
            .. 'and the parcel has not come yet. Can you tell me where it is?"}],"max_tokens":256,"temperature":0.2}')
    end
end

function request()
    turn = turn % 64 + 1
    return requests[turn]
end

function done(summary, latency, _)
    local errors = summary.errors
    print(string.format(
        'RESULT {"requests":%d,"microseconds":%d,"failed":%d,"p50":%d,"p99":%d}',
        summary.requests, summary.duration,
        errors.connect + errors.read + errors.write + errors.status + errors.timeout,
        latency:percentile(50), latency:percentile(99)))
end
