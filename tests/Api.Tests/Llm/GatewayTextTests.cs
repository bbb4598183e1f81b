using System.Text;
using System.Text.Json;
using LlmAspire.Api.Llm;

namespace LlmAspire.Api.Tests.Llm;

public class GatewayTextTests
{
    [Theory]
    [InlineData("Bad request: my dog's name is Rex", "my dog's name is Rex", "Bad request: …")]
    [InlineData("Invalid 'my dog's name' and 'is Rex': too long", "my dog's name is Rex", "Invalid '…' and 'is Rex': too long")]
    [InlineData("twice: abcdefgh, abcdefgh.", "abcdefgh", "twice: …, ….")]
    [InlineData("RateLimitError: slow down", "my dog's name is Rex", "RateLimitError: slow down")]
    [InlineData("", "anything at all", "")]
    [InlineData("short", "short", "short")]
    [InlineData("größere Straße", "größere Straße", "…")]
    public void what_the_user_said_is_left_out(string text, string said, string expected) => Assert.Equal(expected, Log(text, said));

    [Fact]
    public void aliases_and_roles_stay() => Assert.Equal("chat-default as assistant failed", Log("chat-default as assistant failed", "Hello, world"));

    [Fact]
    public void text_in_parts_and_arguments_of_tools_count_as_said()
    {
        var request = """
            {"model":"chat-default","messages":[
              {"role":"user","content":[{"type":"text","text":"part of a message"},{"type":"image_url","image_url":{"url":"https://pictures.example/secret.png"}}]},
              {"role":"assistant","tool_calls":[{"type":"function","function":{"name":"f","arguments":"{\"city\":\"Reykjavik\"}"}}]}]}
            """;

        Assert.Equal("a … b … c …", GatewayText.WithoutPrompt("a part of a message b https://pictures.example/secret.png c {\"city\":\"Reykjavik\"}", Encoding.UTF8.GetBytes(request)));
    }

    [Fact]
    public void only_the_beginning_is_logged() => Assert.Equal(2000, Log(new string('x', 100_000), "Hello, world").Length);

    private static string Log(string text, string said) => GatewayText.WithoutPrompt(
        text, JsonSerializer.SerializeToUtf8Bytes(new { model = "chat-default", messages = new[] { new { role = "user", content = said } }, user = "0195f000" }));
}
