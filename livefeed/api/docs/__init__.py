"""API documentation: OpenAPI and AsyncAPI documents, generated from the validation rules, and a page that shows them."""
