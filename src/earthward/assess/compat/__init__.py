"""Which of the things that break on the way to Ollama an application would meet, from requests that were recorded."""
