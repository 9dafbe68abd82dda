"""The HTTP API of the box office: `create_api(ApiDependencies)` answers an app to mount at `/api`."""
