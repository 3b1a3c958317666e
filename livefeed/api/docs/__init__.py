"""The interface described: OpenAPI and AsyncAPI documents made from the types that check, and a page that shows them."""
