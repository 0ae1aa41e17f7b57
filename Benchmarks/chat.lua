-- For wrk: asks for chat completions with the body that is the argument behind `--`; prints the result as a line of JSON.

function init(arguments)
  wrk.method = "POST"
  wrk.body = arguments[1]
  wrk.headers["Content-Type"] = "application/json"
  wrk.headers["Authorization"] = arguments[2]
end

function done(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  print(string.format(
    'RESULT {"requests": %d, "seconds": %.6f, "failed": %d}', summary.requests, summary.duration / 1e6, failed))
end
