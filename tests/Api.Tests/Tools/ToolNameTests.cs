using System.Text.Json;
using System.Text.RegularExpressions;
using LlmAspire.Api.Tests.Runs;
using LlmAspire.Api.Tools;
using LlmAspire.TestPostgres;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;

namespace LlmAspire.Api.Tests.Tools;

/// <summary>Tools of any name: the model knows them by names that every provider takes, and users by their own.</summary>
public partial class ToolNameTests
{
    private static readonly string[] Odd = ["files.read/all", "a b", "a.b", "a/b", "搜索", "検索", "😀", new('x', 65), new string('x', 65) + "y", "a\nb", "ä"];

    [Fact]
    public async Task the_model_is_offered_valid_names_and_users_see_the_real_ones()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway);
        var client = await api.CreateSignedInClientAsync("pro");
        foreach (var name in Odd)
        {
            gateway.Chats.Clear();
            gateway.OnChat = context => gateway.Chats.Count == 1
                ? Answers.SendStream(ToolAnswers.Call(OfferedBy(gateway, name), "{}"))(context)
                : Answers.Normal(context);

            var events = await client.SendAsync(new { message = "Do it.", tools = Odd });

            var offered = Offered(gateway.Chats.First()).ToList();
            Assert.Equal(Odd.Length, offered.Select(tool => tool.Name).Distinct().Count());
            Assert.All(offered, tool => Assert.Matches(Valid(), tool.Name));
            var tool = events.Last(one => one.Type == "tool").Data;
            Assert.Equal((name, "ok", $"I am {name}"), (Word(tool, "name"), Word(tool, "state"), Word(tool, "result")));
            Assert.Equal("done", events[^1].Type);

            // The loop, and the next turn, speak of it by the name that was offered.
            await client.SendAsync(new { conversationId = events[0].Id("conversationId"), message = "And now?" });
            Assert.All(gateway.Chats.Skip(1), chat => Assert.Equal([OfferedBy(gateway, name)], Called(chat)));
            var stored = (await client.ConversationAsync(events[0].Id("conversationId"))).GetProperty("messages")[1].GetProperty("tools")[0];
            Assert.Equal(name, Word(stored, "name"));
        }
    }

    [Fact]
    public async Task a_name_that_a_model_made_up_is_not_sent_back_to_it_as_it_is()
    {
        await using var gateway = await TestGateway.StartAsync();
        await using var api = await StartAsync(gateway);
        var client = await api.CreateSignedInClientAsync("pro");
        gateway.OnChat = context => gateway.Chats.Count == 1
            ? Answers.SendStream(ToolAnswers.Call("functions.calculator\\u0000", "{}"))(context)
            : Answers.Normal(context);

        var events = await client.SendAsync(new { message = "Do it.", tools = new[] { "calculator" } });

        Assert.Equal("done", events[^1].Type);
        Assert.All(Called(gateway.Chats.Last()), name => Assert.Matches(Valid(), name));
        Assert.Equal("functions.calculator\uFFFD", Word(events.Last(one => one.Type == "tool").Data, "name"));
        var stored = (await client.ConversationAsync(events[0].Id("conversationId"))).GetProperty("messages")[1];
        Assert.Equal("complete", Word(stored, "status"));
    }

    [GeneratedRegex("^[a-zA-Z0-9_-]{1,64}$")]
    private static partial Regex Valid();

    private static async Task<ApiFactory> StartAsync(TestGateway gateway) => new(gateway.BaseUrl)
    {
        Ledger = await PostgresFixture.Shared.ReserveDatabaseAsync(),
        Replace = services =>
        {
            foreach (var name in Odd)
            {
                services.AddChatTool(AIFunctionFactory.Create(() => $"I am {name}", name, $"Description of {name}"), name);
            }
        },
    };

    private static string OfferedBy(TestGateway gateway, string name) =>
        Offered(gateway.Chats.First()).Single(tool => tool.Description == $"Description of {name}").Name;

    private static IEnumerable<(string Name, string Description)> Offered(SeenRequest seen) =>
        seen.Body.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("function")).Select(tool => (Word(tool, "name"), Word(tool, "description")));

    private static IEnumerable<string> Called(SeenRequest seen) => seen.Body.GetProperty("messages").EnumerateArray()
        .Where(message => message.TryGetProperty("tool_calls", out _))
        .SelectMany(message => message.GetProperty("tool_calls").EnumerateArray()).Select(call => Word(call.GetProperty("function"), "name"));

    private static string Word(JsonElement element, string name) => element.GetProperty(name).GetString()!;
}
