// SPDX-License-Identifier: BSD-2-Clause
// What C++ programs expect of their library: each line of the output is a feature that works.
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <iomanip>
#include <iostream>
#include <locale>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>
#include <random>
#include <regex>
#include <shared_mutex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <typeinfo>
#include <vector>

namespace {

struct Shape {
    virtual ~Shape() = default;
    virtual int sides() const = 0;
};

struct Square final : Shape {
    int sides() const override { return 4; }
};

struct Line final : Shape {
    int sides() const override { return 1; }
};

void expect(bool holds, const char *what) {
    if (!holds)
        throw std::logic_error(what);
}

template <typename Error> bool throws(const std::function<void()> &action) {
    try {
        action();
    } catch (const Error &) {
        return true;
    }
    return false;
}

void exceptions() {
    struct Guard {
        int &count;
        ~Guard() { count++; }
    };
    int unwound = 0;
    auto nested = [&] {
        Guard guard{unwound};
        try {
            Guard inner{unwound};
            throw std::out_of_range("far");
        } catch (...) {
            std::throw_with_nested(std::runtime_error("near"));
        }
    };
    expect(throws<std::runtime_error>(nested), "nested");
    expect(unwound == 2, "destructors");
    expect(throws<std::out_of_range>([] { std::vector<int>().at(1); }), "at");
    expect(throws<std::bad_alloc>([] { (void)std::string().append(std::string(1, 'x')); throw std::bad_alloc(); }), "bad_alloc");
    expect(throws<std::system_error>([] { throw std::system_error(ENOENT, std::generic_category()); }), "errno");
}

void run_time_types() {
    const Square square;
    const Line line;
    const Shape &shape = square;
    expect(dynamic_cast<const Square *>(&shape) != nullptr, "cast");
    expect(dynamic_cast<const Line *>(&shape) == nullptr, "no cast");
    expect(throws<std::bad_cast>([&] { (void)dynamic_cast<const Line &>(shape); }), "bad_cast");
    expect(typeid(shape) == typeid(Square) && typeid(shape) != typeid(line), "typeid");
}

std::atomic<int> destroyed{0};

struct Counter {
    int value = 0;
    ~Counter() { destroyed += value; }
};

thread_local Counter counter;

void threads() {
    constexpr int many = 8;
    std::mutex mutex;
    std::condition_variable changed;
    std::once_flag once;
    int calls = 0;
    int arrived = 0;
    std::vector<std::thread> workers;
    for (int i = 0; i < many; i++)
        workers.emplace_back([&] {
            std::call_once(once, [&] { calls++; });
            counter.value = 1;
            std::unique_lock lock(mutex);
            arrived++;
            changed.notify_all();
            changed.wait(lock, [&] { return arrived == many; });
        });
    for (auto &worker : workers)
        worker.join();
    expect(calls == 1 && arrived == many, "all arrived");
    expect(destroyed == many, "destructors of thread_local");
    auto result = std::async(std::launch::async, [] { return throws<int>([] { throw 1; }); });
    expect(result.get(), "exception in a thread");
    auto fails = std::async(std::launch::async, []() -> int { throw std::domain_error("away"); });
    expect(throws<std::domain_error>([&] { fails.get(); }), "exception through a future");
    std::shared_mutex shared;
    std::shared_lock reader(shared);
    expect(!shared.try_lock(), "shared_mutex");
}

// Many at once: the unwinder's and the allocator's own locks.
void storm() {
    std::atomic<int> caught{0};
    std::vector<std::thread> workers;
    for (int i = 0; i < 4; i++)
        workers.emplace_back([&] {
            for (int round = 0; round < 500; round++)
                caught += throws<std::runtime_error>(
                    [&] { throw std::runtime_error(std::to_string(round)); });
        });
    for (auto &worker : workers)
        worker.join();
    expect(caught == 2000, "caught");
}

void atomics() {
    std::atomic<long> number{1};
    expect(number.fetch_add(2) == 1 && number.exchange(7) == 3 && number == 7, "arithmetic");
    expect(std::atomic<void *>().is_lock_free(), "lock free");
}

void streams_and_locale() {
    std::ostringstream out;
    out << std::setw(6) << std::setfill('0') << 42 << ' ' << std::hex << 255 << ' '
        << std::fixed << std::setprecision(3) << 3.14159 << ' ' << std::boolalpha << true;
    expect(out.str() == "000042 ff 3.142 true", "formatting");
    std::istringstream in("17 2.5 word");
    int number = 0;
    double real = 0;
    std::string word;
    in >> number >> real >> word;
    expect(number == 17 && real == 2.5 && word == "word", "parsing");
    std::wostringstream wide;
    wide << L"w\u00fc" << 1.5;
    expect(wide.str() == L"w\u00fc1.5", "wide");
    expect(std::locale().name() == "C", "the locale C");
    expect(std::use_facet<std::ctype<char>>(std::locale()).toupper('a') == 'A', "ctype");
    expect(throws<std::runtime_error>([] { std::locale("xx_XX.none"); }), "no such locale");
}

void files() {
    namespace fs = std::filesystem;
    const fs::path place = fs::temp_directory_path() / ("features." + std::to_string(std::random_device{}()));
    fs::create_directories(place / "a" / "b");
    std::ofstream(place / "a" / "file") << "content\n";
    expect(fs::file_size(place / "a" / "file") == 8, "size");
    fs::rename(place / "a" / "file", place / "moved");
    fs::create_symlink("moved", place / "link");
    expect(fs::read_symlink(place / "link") == "moved", "link");
    int entries = 0;
    for (const auto &entry : fs::recursive_directory_iterator(place))
        entries += !entry.path().empty();
    expect(entries == 4, "entries");
    expect(fs::last_write_time(place / "moved") > fs::file_time_type::min(), "time");
    expect(throws<fs::filesystem_error>([&] { (void)fs::file_size(place / "absent"); }), "absent");
    expect(fs::remove_all(place) == 5, "removed");
}

void clocks() {
    using namespace std::chrono;
    const auto before = steady_clock::now();
    std::this_thread::sleep_for(20ms);
    expect(steady_clock::now() - before >= 20ms, "steady");
    expect(system_clock::now().time_since_epoch() > 1h, "system");
}

void numbers() {
    char text[64];
    const auto end = std::to_chars(text, text + sizeof text, 0.1).ptr;
    expect(std::string(text, end) == "0.1", "to_chars");
    double real = 0;
    const std::string given = "6.02e23";
    expect(std::from_chars(given.data(), given.data() + given.size(), real).ec == std::errc(), "from_chars");
    expect(real == 6.02e23, "value");
    expect(std::stold("0.5") == 0.5L && std::to_string(1ull << 40) == "1099511627776", "string");
}

void patterns_and_chance() {
    std::smatch match;
    const std::string text = "libfoo.so.12";
    expect(std::regex_match(text, match, std::regex(R"(lib(\w+)\.so\.(\d+))")), "match");
    expect(match[1] == "foo" && match[2] == "12", "groups");
    expect(throws<std::regex_error>([] { std::regex("("); }), "regex_error");
    std::random_device device;
    expect(device() != device() || device() != device(), "random_device");
    std::mt19937 twister(5489u);
    twister.discard(9999);
    expect(twister() == 4123659995u, "mt19937");
}

struct Early {
    std::map<int, std::string> names{{1, "one"}};
    Early() { std::clog << ""; }
    ~Early() { std::cout << "goodbye" << std::endl; }
} early;

const std::vector<std::pair<const char *, void (*)()>> features = {
    {"exceptions", exceptions},
    {"run-time types", run_time_types},
    {"threads", threads},
    {"many exceptions at once", storm},
    {"atomics", atomics},
    {"streams and locale", streams_and_locale},
    {"files", files},
    {"clocks", clocks},
    {"numbers", numbers},
    {"patterns and chance", patterns_and_chance},
};

} // namespace

int main() {
    expect(early.names.at(1) == "one", "static objects");
    int failed = 0;
    for (const auto &[name, check] : features) {
        try {
            check();
            std::cout << name << '\n';
        } catch (const std::exception &error) {
            std::cerr << name << ": " << error.what() << '\n';
            failed = 1;
        }
    }
    return failed;
}
