namespace LlmAspire.TestPostgres; internal static class Todo;
