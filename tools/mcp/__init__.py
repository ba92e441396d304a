"""Tools of other people's servers, by the Model Context Protocol and its official SDK."""
