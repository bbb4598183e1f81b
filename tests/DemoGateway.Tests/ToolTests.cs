using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmAspire.DemoGateway.Tests;

public class ToolTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static readonly object Weather = new
    {
        type = "function",
        function = new
        {
            name = "get_weather",
            description = "Looks up the forecast for a city",
            parameters = new
            {
                type = "object",
                properties = new { city = new { type = "string" }, unit = new { @enum = new[] { "celsius", "fahrenheit" } }, days = new { type = "integer", maximum = 7 } },
                required = new[] { "city", "unit" },
            },
        },
    };

    private static readonly object Stock = new
    {
        type = "function",
        function = new { name = "stockPrice", description = "Price of a share", parameters = new { type = "object", properties = new { symbol = new { type = "string" } } } },
    };

    [Theory]
    [InlineData("What is the weather in Paris?")]
    [InlineData("Please call get_weather for Paris")]
    [InlineData("I want the forecast for the city of Paris")]
    public async Task a_tool_that_is_asked_for_is_called(string question)
    {
        var answer = await AskAsync(question, new { tools = new[] { Weather, Stock } });
        var choice = answer["choices"]![0]!;
        var call = Assert.Single(choice["message"]!["tool_calls"]!.AsArray())!.AsObject();

        Assert.Equal("tool_calls", (string?)choice["finish_reason"]);
        Assert.False(choice["message"]!.AsObject().ContainsKey("content"));
        Assert.Equal("function", (string?)call["type"]);
        Assert.StartsWith("call_", (string?)call["id"], StringComparison.Ordinal);
        Assert.Equal("get_weather", (string?)call["function"]!["name"]);
        Assert.Equal("""{"city":"Paris","unit":"celsius"}""", (string?)call["function"]!["arguments"]);
    }

    [Fact]
    public async Task a_tool_that_is_not_asked_for_is_left_alone()
    {
        var answer = await AskAsync("Explain the history of tea", new { tools = new[] { Weather, Stock } });

        Assert.Equal("stop", (string?)answer["choices"]![0]!["finish_reason"]);
    }

    [Theory]
    [InlineData("\"none\"", "What is the weather in Paris?", null)]
    [InlineData("\"auto\"", "What is the weather in Paris?", "get_weather")]
    [InlineData("\"required\"", "Hello", "get_weather")]
    [InlineData("{\"type\":\"function\",\"function\":{\"name\":\"stockPrice\"}}", "What is the weather in Paris?", "stockPrice")]
    public async Task tool_choice_decides(string choice, string question, string? called)
    {
        var answer = await AskAsync(question, new { tools = new[] { Weather, Stock }, tool_choice = JsonNode.Parse(choice) });

        Assert.Equal(called, (string?)answer["choices"]![0]!["message"]!["tool_calls"]?[0]!["function"]!["name"]);
    }

    [Theory]
    [InlineData(null, 2)]
    [InlineData(false, 1)]
    public async Task two_tools_are_called_at_once_unless_that_is_forbidden(bool? parallel, int calls)
    {
        var answer = await AskAsync("Weather in Paris and the stock price of Contoso", new { tools = new[] { Weather, Stock }, parallel_tool_calls = parallel });

        Assert.Equal(calls, answer["choices"]![0]!["message"]!["tool_calls"]!.AsArray().Count);
    }

    [Fact]
    public async Task streamed_calls_repeat_the_type_and_name_id_and_function_once()
    {
        var events = await gateway.StreamAsync(GatewayFixture.Ask(
            "Weather in Paris and the stock price of Contoso",
            with: new { tools = new[] { Weather, Stock }, stream = true, stream_options = new { include_usage = true } }));
        var chunks = events.SkipLast(1).Select(data => JsonNode.Parse(data)!).ToArray();
        var deltas = chunks.SkipLast(2).Select(chunk => chunk["choices"]![0]!["delta"]!.AsObject()).ToArray();
        var pieces = deltas.Select(delta => Assert.Single(delta["tool_calls"]!.AsArray())!.AsObject()).ToArray();

        Assert.Equal("assistant", (string?)deltas[0]["role"]);
        Assert.All(deltas[1..], delta => Assert.Equal(["tool_calls"], delta.Select(member => member.Key)));
        Assert.All(pieces, piece => Assert.Equal("function", (string?)piece["type"]));
        foreach (var call in pieces.GroupBy(piece => (int)piece["index"]!))
        {
            Assert.True(call.First().ContainsKey("id"));
            Assert.All(call.Skip(1), piece => Assert.False(piece.ContainsKey("id") || piece["function"]!.AsObject().ContainsKey("name")));
            using var arguments = JsonDocument.Parse(string.Concat(call.Select(piece => (string?)piece["function"]!["arguments"])));
            Assert.Equal(JsonValueKind.Object, arguments.RootElement.ValueKind);
        }

        Assert.Equal([0, 1], pieces.Select(piece => (int)piece["index"]!).Distinct());
        Assert.Equal("tool_calls", (string?)chunks[^2]["choices"]![0]!["finish_reason"]);
        Assert.Equal(pieces.Length, (int?)chunks[^1]["usage"]!["completion_tokens"]);
    }

    [Fact]
    public async Task what_the_tool_answered_is_used_and_the_tool_not_called_again()
    {
        var answer = await AskAsync("", new
        {
            tools = new[] { Weather },
            messages = new object[]
            {
                new { role = "user", content = "What is the weather in Paris?" },
                new { role = "assistant", tool_calls = new[] { new { id = "call_1", type = "function", function = new { name = "get_weather", arguments = """{"city":"Paris"}""" } } } },
                new { role = "tool", tool_call_id = "call_1", content = """{"temperature":21,"sky":"clear"}""" },
            },
        });
        var text = (string?)answer["choices"]![0]!["message"]!["content"];

        Assert.Equal("stop", (string?)answer["choices"]![0]!["finish_reason"]);
        Assert.Contains("`get_weather`", text, StringComparison.Ordinal);
        Assert.Contains("| temperature | 21 |", text, StringComparison.Ordinal);
        Assert.Contains("| sky | clear |", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("tool-rounds=0", "stop")]
    [InlineData("tool-rounds=1", "stop")]
    [InlineData("tool-rounds=2", "tool_calls")]
    public async Task tools_are_called_as_many_times_as_is_asked_for(string fault, string finish)
    {
        var answer = await AskAsync("", new
        {
            tools = new[] { Weather },
            messages = new object[]
            {
                new { role = "user", content = $"What is the weather in Paris? <<demo {fault}>>" },
                new { role = "assistant", tool_calls = new[] { new { id = "call_1", type = "function", function = new { name = "get_weather", arguments = "{}" } } } },
                new { role = "tool", tool_call_id = "call_1", content = "21" },
            },
        });

        Assert.Equal(finish, (string?)answer["choices"]![0]!["finish_reason"]);
    }

    [Fact]
    public async Task broken_arguments_are_no_json()
    {
        var answer = await AskAsync("What is the weather in Paris? <<demo tool-arguments=broken>>", new { tools = new[] { Weather } });

        Assert.Equal("{\"city\":\"Paris\",\"unit\":\"celsius\"", (string?)answer["choices"]![0]!["message"]!["tool_calls"]![0]!["function"]!["arguments"]);
    }

    [Theory]
    [InlineData("What time is it in New York?", "current_time", """{"zone":"New York"}""")]
    [InlineData("What time is it?", "current_time", """{"zone":"UTC"}""")]
    [InlineData("Please calculate 12.5 * (3 + 4)", "calculator", """{"expression":"12.5 * (3 + 4)"}""")]
    [InlineData("What is 17 * 23?", "calculator", """{"expression":"17 * 23"}""")]
    [InlineData("How many tokens have I used?", "my_usage", """{"days":30}""")]
    public async Task the_products_own_tools_are_called_when_they_are_asked_for(string question, string tool, string arguments)
    {
        object[] tools =
        [
            Function("current_time", "Tells the current date and time of day in a time zone.", new { zone = new { type = "string", @default = "UTC" } }),
            Function("calculator", "Calculates the value of an arithmetic expression exactly.", new { expression = new { type = "string" } }),
            Function("my_usage", "Tells how many tokens and how much money the user has used.", new { days = new { type = "integer", @default = 30 } }),
        ];
        var answer = await AskAsync(question, new { tools });
        var call = Assert.Single(answer["choices"]![0]!["message"]!["tool_calls"]!.AsArray())!["function"]!;

        Assert.Equal((tool, arguments), ((string?)call["name"], (string?)call["arguments"]));

        static object Function(string name, string description, object properties) =>
            new { type = "function", function = new { name, description, parameters = new { type = "object", properties } } };
    }

    [Fact]
    public async Task claudes_calls_have_ids_of_anthropics_form()
    {
        var answer = await gateway.CompleteAsync(GatewayFixture.Ask("What is the weather in Paris?", "claude-default", new { tools = new[] { Weather } }));

        Assert.StartsWith("toolu_", (string?)answer["choices"]![0]!["message"]!["tool_calls"]![0]!["id"], StringComparison.Ordinal);
    }

    [Fact]
    public async Task a_json_schema_is_answered_with_json_that_fits_it()
    {
        var schema = JsonNode.Parse(
            """
            {
              "$defs": { "Place": { "type": "object", "properties": { "name": { "type": "string" }, "population": { "type": ["integer", "null"], "minimum": 1000 } }, "required": ["name", "population"] } },
              "type": "object",
              "properties": { "places": { "type": "array", "minItems": 2, "items": { "$ref": "#/$defs/Place" } }, "exact": { "type": "boolean" }, "kind": { "const": "city" } },
              "required": ["places", "exact", "kind"]
            }
            """);
        var answer = await AskAsync(
            "Tell me about Graz and Linz", new { response_format = new { type = "json_schema", json_schema = new { name = "places", schema } } });

        Assert.Equal(
            """{"places":[{"name":"Graz","population":1000},{"name":"Linz","population":1000}],"exact":true,"kind":"city"}""",
            (string?)answer["choices"]![0]!["message"]!["content"]);
    }

    private Task<JsonNode> AskAsync(string question, object with) => gateway.CompleteAsync(GatewayFixture.Ask(question, with: with));
}
