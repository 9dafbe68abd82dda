"""The HTTP API of the box office: `create_api(routers)` answers an app to mount at `/api`."""
