// The script of every page: elements that find themselves in the page's HTML.

import "./session";
import "./proof-check";
import "./ticket";
import "./copy";
import "./acts";
import "./desk";
