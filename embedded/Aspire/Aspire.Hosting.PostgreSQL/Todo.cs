namespace Aspire.Hosting; internal static class Todo;
