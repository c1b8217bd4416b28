"""What the tests share: servers, a model API, clients."""
