namespace LlmAspire.Tests;

public class PlaceholderTests
{
    [Fact]
    public void placeholder()
    {
    }
}
